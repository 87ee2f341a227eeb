# Compiler and linker flags: warnings are errors, hardening is on.

WARN := -Wall -Wextra -Wformat=2 -Wtype-limits -Wshadow -Wmissing-prototypes -Werror
HARDEN := -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection
OPT ?= -O2 -g

# asked when they are used, not when make starts: set-up may install them first
LIBS_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(LIBS))
LIBS_ALL = $(shell $(PKG_CONFIG) --libs $(LIBS)) -lelf -lz -lpthread

INCLUDES := -Iinclude -Iuser -I$B/gen
DEFINES := -D_GNU_SOURCE -DWEIR_VERSION='"$(VERSION)"' -DWEIR_DATADIR='"$(PREFIX)/share/weir"' \
	-DWEIR_SYSCONFDIR='"$(SYSCONFDIR)/weir"'
CFLAGS_BASE = -std=gnu11 $(WARN) $(INCLUDES) $(DEFINES) $(LIBS_CFLAGS)
CFLAGS_ALL = $(OPT) $(CFLAGS_BASE) -D_FORTIFY_SOURCE=2 $(HARDEN) $(CFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(LDFLAGS)

BPF_CFLAGS = -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -Wall -Wextra -Werror -Wshadow \
	-Wno-unused-parameter -Iinclude -Ibpf -idirafter /usr/include/$(shell $(CC) -dumpmachine)
