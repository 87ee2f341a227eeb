# `make install`: DESTDIR goes in front of every path, PREFIX is where weir will run from.

BINDIR = $(DESTDIR)$(PREFIX)/bin
DATADIR = $(DESTDIR)$(PREFIX)/share/weir
MANDIR = $(DESTDIR)$(PREFIX)/share/man
DOCDIR = $(DESTDIR)$(PREFIX)/share/doc/weir
UNITDIR = $(DESTDIR)$(PREFIX)/lib/systemd/system

INSTALL ?= install
INSTALL_DATA = $(INSTALL) -m 644

.PHONY: install
install: $(WEIR) ## installs the program, policies, unit file, man pages, documents; DESTDIR, PREFIX
	$(call say,INSTALL,$(DESTDIR)$(PREFIX))
	$Q$(INSTALL) -d $(BINDIR) $(DATADIR)/allowlists $(DOCDIR)/docs/schema
	$Q$(INSTALL) -m 755 $(WEIR) $(BINDIR)/weir
	$Q$(INSTALL_DATA) $(wildcard allowlists/*.yaml) $(DATADIR)/allowlists
	$Q$(foreach page,$(wildcard docs/*.[1-9]),$(INSTALL) -D -m 644 $(page) \
		$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page)) &&) :
	$Q$(INSTALL_DATA) README.md LICENSE $(DOCDIR)
	$Q$(INSTALL_DATA) $(wildcard docs/*.md) $(DOCDIR)/docs
	$Q$(INSTALL_DATA) $(wildcard docs/schema/*.json) $(DOCDIR)/docs/schema
	$Q$(INSTALL) -d $(UNITDIR)
	$Qsed 's,@BINDIR@,$(PREFIX)/bin,; s,@DOCDIR@,$(PREFIX)/share/doc/weir,' \
		systemd/weir.service > $(UNITDIR)/weir.service
	$Qchmod 644 $(UNITDIR)/weir.service
