// Package templates holds the text of the managed sections, one text/template
// a section. What a template gets and which functions it may call is up to
// package gen.
package templates

import "embed"

// FS has the templates by file name. SYSTEM_PACKAGES and TOOLBOX_PACKAGES share
// packages.tmpl.
//
//go:embed *.tmpl
var FS embed.FS
