# `make test`: everything that proves something, on this machine and on the guest kernels.

.PHONY: e2e
e2e: $(WEIR) ## the command line on this machine's kernel, as root
	$Qtests/e2e/run_native.sh $(abspath $(WEIR))

.PHONY: vm-test
vm-test: | $B/.setup ## what scripts/vm promises, on all kernels
	$Qtests/e2e/vm.sh

.PHONY: test
test: $(WEIR) ## all tests: unit, command line, guests, kernel side
	+$Qscripts/test unit e2e vm-test kernel-test
