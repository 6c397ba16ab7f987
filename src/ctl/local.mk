# SPDX-License-Identifier: ISC
# ctl: reqctl, the client program. All it says to a server goes through libreqd.
bin_PROGRAMS += reqctl
reqctl_SOURCES = \
	src/ctl/answer.c src/ctl/answer.h \
	src/ctl/cmd-bench.c \
	src/ctl/cmd-call.c \
	src/ctl/cmd-check.c \
	src/ctl/cmd-complete.c \
	src/ctl/cmd-completion.c \
	src/ctl/cmd-describe.c \
	src/ctl/cmd-grant.c \
	src/ctl/cmd-help.c \
	src/ctl/cmd-hook.c \
	src/ctl/cmd-import.c \
	src/ctl/cmd-join.c \
	src/ctl/cmd-keygen.c \
	src/ctl/cmd-kill.c \
	src/ctl/cmd-list.c \
	src/ctl/cmd-logins.c \
	src/ctl/cmd-mcp.c \
	src/ctl/cmd-passwd.c \
	src/ctl/cmd-pin.c \
	src/ctl/cmd-ping.c \
	src/ctl/cmd-ps.c \
	src/ctl/cmd-reload.c \
	src/ctl/cmd-restart.c \
	src/ctl/cmd-revoke.c \
	src/ctl/cmd-status.c \
	src/ctl/cmd-whoami.c \
	src/ctl/cmd-why.c \
	src/ctl/configfile.c src/ctl/configfile.h \
	src/ctl/ctl.c src/ctl/ctl.h \
	src/ctl/description.c src/ctl/description.h \
	src/ctl/explanation.c src/ctl/explanation.h \
	src/ctl/identityfile.c src/ctl/identityfile.h \
	src/ctl/import.c src/ctl/import.h \
	src/ctl/import-nrpe.c src/ctl/import-remctl.c \
	src/ctl/import-webhook.c src/ctl/import-xinetd.c \
	src/ctl/loginsfile.c src/ctl/loginsfile.h \
	src/ctl/mcpserver.c src/ctl/mcpserver.h \
	src/ctl/options.c src/ctl/options.h \
	src/ctl/out.c src/ctl/out.h \
	src/ctl/outjson.c src/ctl/outjson.h \
	src/ctl/outtable.c src/ctl/outtable.h \
	src/ctl/params.c src/ctl/params.h \
	src/ctl/prompt.c src/ctl/prompt.h \
	src/ctl/remote.c src/ctl/remote.h \
	src/ctl/reqctl.c \
	src/ctl/serverentry.c src/ctl/serverentry.h \
	src/ctl/serverkey.c src/ctl/serverkey.h
nodist_reqctl_SOURCES = src/ctl/completions.h
reqctl_LDADD = libreqd.la libmcp.la libproto.la libbase.la $(JANSSON_LIBS) $(SMARTCOLS_LIBS) $(TLS_LIBS) $(CRYPT_LIBS) \
	-lm -lpthread

completion_files = completions/reqctl.bash completions/_reqctl completions/reqctl.fish
EXTRA_DIST += $(completion_files) src/ctl/completions.sh

# The scripts as arrays of lines, so that "reqctl completion" can print them.
AM_CPPFLAGS += -I$(top_builddir)/src
CLEANFILES += src/ctl/completions.h
src/ctl/cmd-completion.$(OBJEXT): src/ctl/completions.h
src/ctl/completions.h: src/ctl/completions.sh $(completion_files)
	@$(MKDIR_P) src/ctl
	$(AM_V_GEN)$(SHELL) $(srcdir)/src/ctl/completions.sh $(srcdir)/completions >$@.tmp && \
	    mv $@.tmp $@

bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_bashcompletion_DATA = completions/reqctl.bash
dist_zshcompletion_DATA = completions/_reqctl
dist_fishcompletion_DATA = completions/reqctl.fish

dist_man_MANS += man/reqctl.1 man/libreqd.3
