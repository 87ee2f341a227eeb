# `make test`: everything that proves something, on this machine and on the guest kernels.

.PHONY: e2e
e2e: $(WEIR) ## the command line on this machine's kernel, as root
	$Qtests/e2e/run_native.sh $(abspath $(WEIR))

.PHONY: vm-test
vm-test: | $B/.setup ## what scripts/vm promises, on all kernels
	$Qtests/e2e/vm.sh

# what `make install` installs, in a guest whose init is systemd
SYSTEMD_KERNEL ?= 6.12

.PHONY: systemd-test
systemd-test: $(WEIR) kernels ## weir as a service of systemd, in a guest with SYSTEMD_KERNEL (6.12)
	$Qrm -rf $B/systemd-root
	$Q$(MAKE) install DESTDIR=$B/systemd-root
	$Qscripts/vm -s -k $(SYSTEMD_KERNEL) -- tests/systemd/service_test.sh $B/systemd-root

.PHONY: test
test: $(WEIR) ## all tests: unit, command line, guests, kernel side, service
	+$Qscripts/test unit e2e+vm-test kernel-test systemd-test
