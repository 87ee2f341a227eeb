# weir: see `make help`.
# One rule per kind of artefact; header dependencies come from the compiler.

VERSION := 0.1.0
PREFIX ?= /usr
DESTDIR ?=
SYSCONFDIR ?= /etc

# make has a CC of its own (cc), which "?=" would keep
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config

B := build
LIBS := libbpf libfyaml jansson libmnl libseccomp libsodium libuv libmicrohttpd

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# as many jobs as there are processors, or JOBS=1; a make within shares them
JOBS ?= $(shell nproc)
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif

# a short line for each step; V=1 shows the commands
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

include scripts/make/flags.mk

# --- the kernel side: every .bpf.c, linked into one object and one skeleton

BPF_SRC := $(sort $(wildcard bpf/*.bpf.c))
BPF_OBJ := $(BPF_SRC:%.bpf.c=$B/%.bpf.o)
SKEL := $B/gen/weir.skel.h

$B/bpf/%.bpf.o: bpf/%.bpf.c | $B/.setup
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$Q$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$B/weir.bpf.o: $(BPF_OBJ)
	$(call say,LINK,$@)
	$Q$(BPFTOOL) gen object $@ $^

$(SKEL): $B/weir.bpf.o
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$Q$(BPFTOOL) gen skeleton $< name weir_bpf > $@

# What programs and maps of different builds must have in common to be shared: include/weir and
# the maps, but for comments.
ABI_ID := $B/gen/abi_id.h

$(ABI_ID): bpf/maps.bpf.h bpf/scratch.bpf.h $(wildcard include/weir/*.h) | $B/.setup
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$Qid=$$($(CLANG) $(BPF_CFLAGS) -E -P $< | sha256sum | cut -c1-12) && \
		printf '#define WEIR_ABI_ID "abi-%s"\n' "$$id" > $@

# Which programs these are: a daemon replaces those that another build has loaded.
BUILD_ID := $B/gen/build_id.h

$(BUILD_ID): $B/weir.bpf.o
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$Qid=$$(sha256sum < $< | cut -c1-12) && \
		printf '#define WEIR_BUILD_ID "build-%s"\n' "$$id" > $@

# --- the user side: one library of everything but main, one program

USER_SRC := $(sort $(wildcard user/*/*.c))
USER_OBJ := $(USER_SRC:%.c=$B/%.o)
LIB_OBJ := $(filter-out $B/user/cli/main.o,$(USER_OBJ))
WEIR := $B/weir

# what is built depends on how: other flags or another PREFIX build it again
.PHONY: flags
$B/.flags: flags
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CC) $(OPT) $(CFLAGS) $(DEFINES))' | cmp -s - $@ || \
		echo '$(subst ','\'',$(CC) $(OPT) $(CFLAGS) $(DEFINES))' > $@

$B/user/%.o: user/%.c $B/.flags | $B/.setup
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$Q$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# only user/kern sees the skeleton
$(patsubst %.c,$B/%.o,$(wildcard user/kern/*.c)): $(SKEL) $(ABI_ID) $(BUILD_ID)

$(WEIR): $(USER_OBJ)
	$(call say,LINK,$@)
	$Q$(CC) $(LDFLAGS_ALL) $^ -o $@ $(LIBS_ALL)

.PHONY: all
all: $(WEIR) ## build/weir, with everything it needs installed first

include scripts/make/setup.mk
include scripts/make/tests.mk
include scripts/make/kernel.mk
include scripts/make/lint.mk
# the others stand on these
include $(filter-out $(MAKEFILE_LIST),$(sort $(wildcard scripts/make/*.mk)))

.PHONY: clean
clean: ## removes build/
	$Qrm -rf $B

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z][a-z0-9-]*:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(filter-out %.d,$(MAKEFILE_LIST))

-include $(BPF_OBJ:.o=.d) $(USER_OBJ:.o=.d)
