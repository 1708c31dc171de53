package lint

// checks are what each command of a hook is held against. What redirections and
// pipes do is looked at where they are walked.
var checks = []func(linter, call, scope){
	linter.tee,
	linter.sed,
	linter.gitConfig,
	linter.mkdir,
	linter.link,
	linter.specialFile,
	linter.account,
	linter.remote,
	linter.clone,
	linter.move,
	linter.remove,
	linter.asks,
	linter.namedVarying,
	linter.temporaryFile,
	linter.curl,
	linter.wget,
	linter.aria2c,
	linter.downloadedScript,
	linter.pinned,
}
