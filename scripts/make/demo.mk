# `make demo`: a sample agent under a policy, in about a minute.

.PHONY: demo
demo: $(WEIR) ## an agent does honest work, then tries to break out
	$Qscripts/demo
