// Package bkt has the files at the top of the project that bkt writes into other repositories.
package bkt

import _ "embed"

// Action is the text of the GitHub action.
//
//go:embed action.yml
var Action []byte
