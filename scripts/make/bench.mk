# Benchmarks: programs of tests/bench, static so that a confined one needs nothing but itself.
# Figures are printed and left in build/bench/*.json; none of them is a test. BENCH_PARTS="files
# programs network start" chooses among what is measured in guests.

BENCH_KERNELS ?= 6.1
BENCH_PROGRAMS := file_bench program_bench net_bench stream_bench landlock_run hold nothing
BENCH_STATIC := $(BENCH_PROGRAMS:%=$B/bench/%)
BENCH_BIN := $(BENCH_STATIC) $B/bench/empty_run

# what it takes beyond building and testing
$B/.setup-bench: scripts/setup tests/bench/packages.txt | $B/.setup
	$Qscripts/setup tests/bench/packages.txt
	@touch $@

$B/bench/%.o: tests/bench/%.c | $B/.setup
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$Q$(CC) $(OPT) -std=gnu11 $(WARN) -D_GNU_SOURCE -MMD -MP -c $< -o $@

$(BENCH_STATIC): $B/bench/%: $B/bench/%.o $B/bench/measure.o
	$(call say,LINK,$@)
	$Q$(CC) -static $^ -lm -pthread -o $@

$B/bench/empty_run: $B/bench/empty_run.o
	$(call say,LINK,$@)
	$Q$(CC) $^ -o $@ $(LIBS_ALL)

.PHONY: bench bench-guest bench-native
bench: bench-guest bench-native ## speed and size against the bare kernel and others (BENCH_KERNELS)

bench-guest: $(BENCH_BIN) $(WEIR) | kernels $B/.setup-bench
	$Qtests/bench/run.py guest $(BENCH_KERNELS)

bench-native: $(BENCH_BIN) $(WEIR)
	$Qtests/bench/run.py native

-include $(BENCH_BIN:=.d) $B/bench/measure.d
