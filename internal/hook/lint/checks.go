package lint

import "bkt/internal/hook/command"

// checks are the checks of a single command. Redirections and pipes are checked
// where they are walked.
var checks = []func(*linter, command.Call, scope){
	(*linter).checkTee,
	(*linter).checkSed,
	(*linter).checkAppender,
	(*linter).checkGitConfig,
	(*linter).checkAnother,
	(*linter).checkMkdir,
	(*linter).checkLink,
	(*linter).checkIntoFolder,
	(*linter).checkSpecialFile,
	(*linter).checkAccount,
	(*linter).checkRemote,
	(*linter).checkClone,
	(*linter).checkMove,
	(*linter).checkRemove,
	(*linter).checkOnce,
	(*linter).checkPrompt,
	(*linter).checkOverwrite,
	(*linter).checkVaryingName,
	(*linter).checkVaryingValue,
	(*linter).checkTemporaryFile,
	(*linter).checkCurl,
	(*linter).checkWget,
	(*linter).checkAria2c,
	(*linter).checkRemoteCopy,
	(*linter).checkForeignScript,
	(*linter).checkDownloadedScript,
	(*linter).checkPinnedVersion,
	(*linter).checkNeedsRoot,
}
