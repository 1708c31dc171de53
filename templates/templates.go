// Package templates holds the text of the managed sections, one text/template for each
// section. Package gen defines the data and the functions of a template.
package templates

import "embed"

// FS has the templates by file name. SYSTEM_PACKAGES and TOOLBOX_PACKAGES share
// packages.tmpl.
//
//go:embed *.tmpl
var FS embed.FS
