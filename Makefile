# Verbs for developers. No logic here: each is `.ci/run <verb>`, which says what it does.

VERBS = all registry core san tsan warnings lint format install test doc check demo readme bench

.PHONY: $(VERBS)
$(VERBS):
	@bash .ci/run $@
