# SPDX-License-Identifier: GPL-2.0
#
# What Kbuild makes of this project, for scripts that ask; nothing is built.
#
#   make -s -f scripts/kdir/kbuild.mk [KDIR=DIR] [GENL_TESTS=1] families | objects

src := .
obj := .
-include $(KDIR)/include/config/auto.conf
include Kbuild

families:
	@printf '%s\n' $(families)

# The members of all modules.
objects:
	@printf '%s\n' $(foreach module,$(obj-m:.o=),$(or $($(module)-y) $($(module)-objs),$(module).o))
