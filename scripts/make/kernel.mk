# Kernel tests: real sockets, files and processes in guests, one for each of KERNELS.
# KERNEL_TESTS="scope files" chooses tests by name.

KERNELS ?= 6.1 6.12 latest
KERNEL_TESTS ?=

# `make soak`: so many decisions of the stress test on each of KERNELS, in so much time
SOAK_DECISIONS ?= 10000000
SOAK_SECONDS ?= 86400

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
soak: $B/tests/kernel/stress_test kernels ## tests/kernel/stress_test to SOAK_DECISIONS (10000000)
	$Qfor kernel in $(KERNELS); do \
		echo "== $$kernel"; \
		scripts/vm -k "$$kernel" -t $(SOAK_SECONDS) -- $< $(SOAK_DECISIONS) || exit 1; \
	done

-include $(KT_OBJ:.o=.d)
