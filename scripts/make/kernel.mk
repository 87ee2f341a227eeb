# Kernel tests: real sockets, files and processes in guests, one for each of KERNELS.
# KERNEL_TESTS="scope files" chooses tests by name.

KERNELS ?= 6.1 6.12 latest
KERNEL_TESTS ?=

# `make soak`: a daemon killed so often; so many decisions of the stress test on each of KERNELS,
# in so much time
SOAK_KILLS ?= 5000
SOAK_DECISIONS ?= 10000000
SOAK_SECONDS ?= 86400
# and so many cgroups made, entered at once and removed, by each of two processes
SOAK_RACES ?= 100000

KT_SRC := $(sort $(wildcard tests/kernel/*.c))
KT_OBJ := $(KT_SRC:%.c=$B/%.o)
KT_BIN := $(patsubst %.c,$B/%,$(wildcard tests/kernel/*_test.c))
# what they share, and the parts of the program they test
KT_LIB := $(filter-out %_test.o,$(KT_OBJ)) \
	$(filter $(foreach folder,base policy event kern,$B/user/$(folder)/%),$(LIB_OBJ))

$B/tests/kernel/%.o: tests/kernel/%.c | $B/.setup
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$Q$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(KT_BIN): %: %.o $(KT_LIB)
	$(call say,LINK,$@)
	$Q$(CC) $(LDFLAGS_ALL) $^ -o $@ $(LIBS_ALL)

.PHONY: kernel-test
kernel-test: $(WEIR) $(KT_BIN) kernels ## kernel tests in guests with KERNELS (6.1 6.12 latest)
	$QKERNEL_TESTS="$(KERNEL_TESTS)" tests/kernel/guests.sh "$(KERNELS)" $(KT_BIN)

.PHONY: soak
soak: $(WEIR) $B/tests/kernel/stress_test kernels ## SOAK_KILLS (5000) of a daemon, SOAK_RACES (100000) for selectors, SOAK_DECISIONS (10000000)
	$QKILLS=$(SOAK_KILLS) E2E=takeover_test.py tests/e2e/run_native.sh $(abspath $(WEIR))
	$Qfor kernel in $(KERNELS); do \
		echo "== $$kernel"; \
		scripts/vm -k "$$kernel" -t $(SOAK_SECONDS) -- \
			$B/tests/kernel/stress_test $(SOAK_DECISIONS) || exit 1; \
		scripts/vm -k "$$kernel" -t $(SOAK_SECONDS) -- \
			env WEIR_RACES=$(SOAK_RACES) E2E=select_test.py WEIR_TEST_WAIT_S=600 \
			tests/e2e/run_native.sh $(abspath $(WEIR)) || exit 1; \
	done

-include $(KT_OBJ:.o=.d)
