# Set-up by itself: packages first, told before they are installed.

$B/.setup: scripts/setup docs/packages.txt
	@mkdir -p $B
	scripts/setup docs/packages.txt
	@touch $@
