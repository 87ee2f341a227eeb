# `make lint`: layout, layers, mistakes in C, scripts. Each part is a target of its own.

LINT_SHELL = $(shell grep -lrIE --exclude-dir=.git --exclude-dir=$B '^\#!/(usr/)?bin/(env )?(ba|da)?sh' .)
LINT_SHELL += scripts/vm-init
TIDY_SRC := $(USER_SRC)
TIDY_RUN := $(TIDY_SRC:%.c=$B/tidy/%.ok)

.PHONY: lint
lint: lint-format lint-layers lint-shell lint-tidy ## layout, layers, clang-tidy, shellcheck

.PHONY: lint-format
lint-format: | $B/.setup
	$(call say,LINT,layout)
	$Qscripts/format

.PHONY: lint-layers
lint-layers: | $B/.setup
	$(call say,LINT,layers)
	$Qscripts/layers

.PHONY: lint-shell
lint-shell: | $B/.setup
	$(call say,LINT,scripts)
	$Qshellcheck $(sort $(LINT_SHELL))

.PHONY: lint-tidy
lint-tidy: $(TIDY_RUN)

# a file that was found clean is asked again when it or a header it includes has changed
$(TIDY_RUN): $B/tidy/%.ok: %.c $B/%.o .clang-tidy
	$(call say,TIDY,$<)
	@mkdir -p $(@D)
	$Qclang-tidy --quiet $< -- $(CFLAGS_BASE) 2>$@.err || { cat $@.err; exit 1; }
	@touch $@
