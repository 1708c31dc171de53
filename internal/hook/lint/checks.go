package lint

import "bkt/internal/hook/command"

// checks are what each command of a hook is held against. What redirections and
// pipes do is looked at where they are walked.
var checks = []func(*linter, command.Call, scope){
	(*linter).checkTee,
	(*linter).checkSed,
	(*linter).checkGitConfig,
	(*linter).checkMkdir,
	(*linter).checkLink,
	(*linter).checkSpecialFile,
	(*linter).checkAccount,
	(*linter).checkRemote,
	(*linter).checkClone,
	(*linter).checkMove,
	(*linter).checkRemove,
	(*linter).checkPrompt,
	(*linter).checkVaryingName,
	(*linter).checkTemporaryFile,
	(*linter).checkCurl,
	(*linter).checkWget,
	(*linter).checkAria2c,
	(*linter).checkDownloadedScript,
	(*linter).checkPinnedVersion,
}
