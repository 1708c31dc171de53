package lint

import "bkt/internal/hook/command"

// checks are the checks of a single command. Redirections and pipes are checked
// where they are walked.
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
