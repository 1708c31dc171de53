package usage

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// PrintHelp prints the help of the command that c selects, and its examples. It is a
// [kong.HelpPrinter].
func PrintHelp(options kong.HelpOptions, c *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, c); err != nil {
		return err
	}
	path := ""
	if node := c.Selected(); node != nil {
		path = node.Path()
	}
	lines := Examples(path)
	if len(lines) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(c.Stdout, "\nExamples:\n  %s\n", strings.Join(lines, "\n  "))
	return err
}
