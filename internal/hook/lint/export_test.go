package lint

import "slices"

// Rules returns all rules, in the order of their documentation.
func Rules() []Rule { return slices.Clone(rules()) }
