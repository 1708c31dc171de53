package autocapture

import (
	"os"
	"strings"
	"testing"

	"bkt/internal/mergedriver"
)

// TestHarmlessConfig checks which keys of a repository's own configuration stop
// auto-capture: all that make git run a program, read another file, or talk to another
// server, and those that nobody knows.
func TestHarmlessConfig(t *testing.T) {
	harmless := `core.repositoryformatversion core.filemode core.bare core.logallrefupdates core.ignorecase core.autocrlf
		core.fsmonitor core.editor core.untrackedcache extensions.worktreeconfig extensions.objectformat bkt.autocapturepush
		remote.origin.url remote.origin.fetch remote.origin.pushurl remote.my.fork.url remote.origin.gh-resolved remote.origin.promisor
		branch.main.remote branch.a.b.merge branch.main.vscode-merge-base user.name user.email user.signingkey commit.gpgsign
		pull.rebase push.default push.autosetupremote gc.auto lfs.repositoryformatversion lfs.https://example.com/a.git/info/lfs.access
		alias.st submodule.x.url submodule.active diff.algorithm merge.conflictstyle merge.bkt.name=x protocol.version`
	harmful := `core.sshcommand core.hookspath core.gitproxy core.worktree core.attributesfile core.excludesfile core.alternaterefscommand
		credential.helper credential.https://example.com.helper gpg.program gpg.ssh.program gpg.ssh.defaultkeycommand
		filter.x.clean filter.x.smudge filter.x.process include.path includeif.gitdir:/.path url.x.insteadof url.x.pushinsteadof
		http.proxy http.https://example.com.cookiefile protocol.ext.allow remote.origin.uploadpack remote.origin.receivepack
		remote.origin.vcs remote.origin.proxy diff.external diff.x.command diff.x.textconv merge.x.driver trailer.x.command
		gc.recentobjectshook push.recursesubmodules submodule.recurse hook.x.command lfs.customtransfer.x.path unheard.of
		core.new remote.origin.new nothing merge.bkt.driver merge.bkt.driver=bkt merge.bkt.recursive merge.x.driver=bkt`
	if !isHarmless(mergedriver.Key, mergedriver.Command) || isHarmless("merge.x.driver", mergedriver.Command) {
		t.Error("the command of the merge driver is harmless for bkt's own key, and for no other")
	}
	for list, want := range map[string]bool{harmless: true, harmful: false} {
		for _, key := range strings.Fields(list) {
			key, value, _ := strings.Cut(key, "=")
			if isHarmless(key, value) != want {
				t.Errorf("%s: harmless is %v", key, !want)
			}
		}
	}
}

// TestForeignConfig checks that a commit and a push wait if the repository's own
// configuration could run a program, and that nothing runs.
func TestForeignConfig(t *testing.T) {
	for _, key := range []string{"core.sshCommand", "filter.x.clean", "core.hooksPath", "credential.helper"} {
		for _, scope := range []string{"--local", "--worktree"} {
			r := in(t, map[string]string{"m": "old", ".gitattributes": "* filter=x\n"})
			git := gitIn(t, r)
			git("config", "extensions.worktreeConfig", "true")
			git("config", scope, key, "touch "+r.system.Repo.Path("ran"))
			write(t, r.system.Repo.Path("m"), "captured")
			r.state.Journal, r.state.Unpushed = &journal{Files: map[string]string{"m": hash([]byte("captured"))}}, true
			r.tree.Branch = "main"
			if err := r.commit(t.Context()); err == nil || !strings.Contains(err.Error(), "sets "+strings.ToLower(key)+",") {
				t.Errorf("%s %s: %v", scope, key, err)
			}
			if _, err := os.Stat(r.system.Repo.Path("ran")); err == nil || r.state.Journal == nil || !r.state.Unpushed {
				t.Errorf("%s %s: %v, %+v", scope, key, err, r.state)
			}
		}
	}
}
