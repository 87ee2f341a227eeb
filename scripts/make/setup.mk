# Set-up by itself: packages first, told before they are installed.

$B/.setup: scripts/setup docs/packages.txt
	@mkdir -p $B
	$Qscripts/setup docs/packages.txt
	@touch $@

.PHONY: setup
setup: $B/.setup ## installs the Debian packages of docs/packages.txt

# asks each time, for it is quick: the cache lies outside the tree and may have been emptied
.PHONY: kernels
kernels: | $B/.setup ## fetches the guest kernels (6.1, 6.12, latest)
	$Qscripts/kernels >/dev/null
