# Unit tests and fuzzing. Everything under test is built a second time here,
# with the sanitizers, under build/san and build/fuzz.

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_CFLAGS = -O1 -g $(CFLAGS_BASE) $(SANITIZE)
# a program may use its own folder's code and what the layers below offer
SAN_FOLDERS := base policy event audit daemon
# of daemon, what needs no kernel; an archive gives only what is asked for
BELOW_daemon := policy event audit
below_libs = $(foreach folder,$(BELOW_$(1)),$B/$(2)/lib$(folder).a)
SAN_SRC := $(sort $(wildcard $(SAN_FOLDERS:%=user/%/*.c)))
SAN_OBJ := $(SAN_SRC:user/%.c=$B/san/%.o)

TEST_SRC := $(sort $(wildcard $(SAN_FOLDERS:%=tests/unit/%/*_test.c)))
TEST_BIN := $(TEST_SRC:tests/unit/%.c=$B/unit/%)
TEST_RUN := $(TEST_BIN:%=%.run)

# the archives take what has been built: stale members of removed files must not stay
define san_folder
$B/san/lib$(1).a: $(filter $B/san/$(1)/%,$(SAN_OBJ))
	@rm -f $$@
	$Qar rcs $$@ $$^

$(or $(filter $B/unit/$(1)/%,$(TEST_BIN)),$B/unit/$(1)/none_test): $B/unit/$(1)/%: $B/unit/$(1)/%.o $B/san/lib$(1).a $(call below_libs,$(1),san) $B/san/libbase.a
	$$(call say,LINK,$$@)
	$Q$(CC) $(SANITIZE) $$(UNIT_LINK) $$< -L$B/san -l$(1) $(BELOW_$(1):%=-l%) -lbase $$(shell $(PKG_CONFIG) --libs cmocka) $$(LIBS_ALL) -o $$@
endef
$(foreach folder,$(SAN_FOLDERS),$(eval $(call san_folder,$(folder))))

$B/san/%.o: user/%.c | $B/.setup
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$Q$(CC) $(SAN_CFLAGS) -MMD -MP -c $< -o $@

$B/unit/%.o: tests/unit/%.c | $B/.setup
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$Q$(CC) $(SAN_CFLAGS) -MMD -MP -c $< -o $@

# its allocations fail one by one
COMMA := ,
$B/unit/policy/nomem_test: UNIT_LINK := $(addprefix -Wl$(COMMA)--wrap=,malloc calloc realloc reallocarray strdup strndup)

# quiet while it passes; a failure prints everything the program said
# records that a test leaves in PROGRAM.jsonl must be as the schema says
.PHONY: $(TEST_RUN)
$(TEST_RUN): %.run: %
	@rm -f $*.jsonl
	@if $* > $*.log 2>&1 && \
	    { [ ! -e $*.jsonl ] || tests/validate $*.jsonl >> $*.log 2>&1; }; then \
		sed -n 's,^\[  PASSED  \] ,$(*:$B/unit/%=%): passed ,p' $*.log; \
	else \
		status=$$?; cat $*.log; echo "FAILED (status $$status): $*" >&2; exit 1; \
	fi

.PHONY: unit
unit: $(TEST_RUN) ## unit tests under address and undefined-behaviour sanitizers

# --- fuzzing: the same code once more, with clang's libFuzzer

FUZZ_SECONDS ?= 60
FUZZ_FLAGS := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all
FUZZ_OBJ := $(SAN_SRC:user/%.c=$B/fuzz/obj/%.o)
FUZZ_SRC := $(sort $(wildcard tests/fuzz/*_fuzz.c))
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$B/fuzz/%)
FUZZ_RUN := $(FUZZ_BIN:%=%.run)

$B/fuzz/obj/%.o: user/%.c | $B/.setup
	$(call say,CLANG,$@)
	@mkdir -p $(@D)
	$Q$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined $(CFLAGS_BASE) -MMD -MP -c $< -o $@

$B/fuzz/%.o: tests/fuzz/%.c | $B/.setup
	$(call say,CLANG,$@)
	@mkdir -p $(@D)
	$Q$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined $(CFLAGS_BASE) -MMD -MP -c $< -o $@

# FOLDER_fuzz takes the code of user/FOLDER and user/base
define fuzz_folder
$B/fuzz/lib$(1).a: $(filter $B/fuzz/obj/$(1)/%,$(FUZZ_OBJ))
	@rm -f $$@
	$Qar rcs $$@ $$^

$B/fuzz/$(1)_fuzz: $B/fuzz/$(1)_fuzz.o $B/fuzz/lib$(1).a $(call below_libs,$(1),fuzz) $B/fuzz/libbase.a
	$$(call say,LINK,$$@)
	$Q$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined $$< $B/fuzz/lib$(1).a \
		$(call below_libs,$(1),fuzz) $B/fuzz/libbase.a $$(LIBS_ALL) -o $$@
endef
$(foreach folder,$(SAN_FOLDERS),$(eval $(call fuzz_folder,$(folder))))

# what is found stays in build/fuzz: NAME.corpus grows over runs, NAME-crash-* fails the build
FUZZ_SEEDS = $(wildcard tests/fuzz/seeds/$(*F) $(if $(filter policy_fuzz,$(*F)),tests/policies allowlists))
.PHONY: $(FUZZ_RUN)
$(FUZZ_RUN): %.run: %
	@mkdir -p $*.corpus
	@echo "$(*F): $(FUZZ_SECONDS) s"
	@if $* -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix=$*- $*.corpus $(FUZZ_SEEDS) > $*.log 2>&1; then \
		sed -n 's,^stat::number_of_executed_units: *,$(*F): passed; runs: ,p' $*.log; \
	else \
		tail -n 60 $*.log; echo "FAILED: $*" >&2; exit 1; \
	fi

.PHONY: fuzz
fuzz: $(FUZZ_RUN) ## every fuzz target for FUZZ_SECONDS (60)

-include $(SAN_OBJ:.o=.d) $(TEST_BIN:=.d) $(FUZZ_OBJ:.o=.d) $(FUZZ_BIN:=.d)
