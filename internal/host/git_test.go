package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/host"
	"bkt/internal/plan"
)

// TestGitRunsNoCodeOfTheRepository checks the options and variables of git, for
// questions and for steps of plans, and of gh, which runs git.
func TestGitRunsNoCodeOfTheRepository(t *testing.T) {
	bin := t.TempDir()
	for _, program := range []string{"git", "gh"} {
		put(t, filepath.Join(bin, program), "#!/bin/sh\necho \"$*\"\nenv | grep '^GIT_' | sort\n", 0o755)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "user.name")
	t.Setenv("GIT_CONFIG_VALUE_0", "x")
	const always = "-c safe.bareRepository=explicit -c core.fsmonitor=false "
	const quiet = "-c core.hooksPath=/dev/null -c log.showSignature=false "
	for words, want := range map[string][]string{
		"git status -z":                   {always + quiet + "status -z\n", "GIT_OPTIONAL_LOCKS=0", "GIT_ALLOW_PROTOCOL=none", "GIT_NO_LAZY_FETCH=1"},
		"git -C / log":                    {always + quiet + "-C / log\n", "GIT_ALLOW_PROTOCOL=none", "GIT_NO_LAZY_FETCH=1"},
		"git rev-parse --git-path hooks":  {always + "rev-parse --git-path hooks\n", "GIT_NO_LAZY_FETCH=1"},
		"git ls-remote -- /x refs/x":      {always + quiet + "ls-remote -- /x refs/x\n"},
		"gh pr list":                      {"pr list\n", "GIT_CONFIG_COUNT=3\n", "GIT_CONFIG_KEY_0=user.name\n", "GIT_CONFIG_KEY_1=safe.bareRepository\n", "GIT_CONFIG_VALUE_1=explicit\n", "GIT_CONFIG_KEY_2=core.fsmonitor\n", "GIT_CONFIG_VALUE_2=false\n"},
		"git var GIT_AUTHOR_IDENT":        {always + quiet + "var GIT_AUTHOR_IDENT\n"},
		"git --no-optional-locks ls-tree": {always + quiet + "--no-optional-locks ls-tree\n"},
	} {
		argv := strings.Fields(words)
		out, err := host.Query{}.Output(t.Context(), plan.Run{Argv: argv})
		for _, w := range want {
			if err != nil || !strings.Contains(string(out), w) {
				t.Errorf("%s: no %q in\n%s%v", words, w, out, err)
			}
		}
		if argv[1] == "ls-remote" && strings.Contains(string(out), "GIT_ALLOW_PROTOCOL") {
			t.Errorf("%s: no protocol is allowed", words)
		}
	}
	if out, err := (host.Executor{}).Output(t.Context(), plan.Run{Argv: []string{"git", "commit"}}); err != nil || !strings.HasPrefix(string(out), always+"commit\n") {
		t.Errorf("%s%v", out, err)
	}
}
