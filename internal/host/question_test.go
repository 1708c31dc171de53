package host_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/crash"
	"bkt/internal/host"
	"bkt/internal/plan"
)

// TestQueryChangesNothing checks that a query runs questions, and that everything else
// is a bug, even if it begins like a question.
func TestQueryChangesNothing(t *testing.T) {
	bin := t.TempDir()
	for _, program := range []string{"git", "podman", "docker", "flatpak", "dconf", "systemctl", "gh", "sh"} {
		put(t, filepath.Join(bin, program), "#!/bin/sh\necho $*\n", 0o755)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for words, isQuestion := range map[string]bool{
		"git status --porcelain": true, "git -C /x ls-files -z": true, "git --no-optional-locks status": true,
		"git commit": false, "git -C status commit": false, "git push": false, "git symbolic-ref HEAD refs/heads/x": false, "git config user.name x": false,
		"git -c alias.status=!rm status": false, "git remote add x y": false, "git": false, "git -C": false,
		"podman ps --all": true, "podman image inspect x": true, "podman diff 1": true, "podman exec --user root 1 sh -c id": true,
		"podman exec 1 rm": false, "podman rm x": false, "podman image rm x": false, "podman run x": false, "docker load": false, "docker images": true,
		"systemctl --user show x": true, "systemctl --user enable x": false, "gh pr list": true, "gh pr create": false,
		"sh -c true": false, "flatpak list": false, "dconf load /": false,
	} {
		argv := strings.Fields(words)
		_, err := host.Query{}.Output(context.Background(), plan.Run{Argv: argv})
		if argv[0] == "git" {
			_, errGit := host.Query{}.Git(context.Background(), bin, nil, argv[1:]...)
			if (err == nil) != (errGit == nil) {
				t.Errorf("%s: %v, and by Git %v", words, err, errGit)
			}
		}
		if _, bug := errors.AsType[*crash.Error](err); bug == isQuestion || isQuestion && err != nil {
			t.Errorf("%s: %v", words, err)
		}
		if !isQuestion && !strings.Contains(err.Error(), `"`+words+`" is not a question`) {
			t.Errorf("%s: %v", words, err)
		}
	}
}
