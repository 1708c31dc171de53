package containerfile

import "bkt/gen"

// NamedLines returns the lines of instructions that mount a folder and read in it only the
// files that manifests name.
func NamedLines(origins []gen.Origin) []int {
	var lines []int
	for _, o := range origins {
		if o.Section == gen.SystemFiles {
			lines = append(lines, o.Line)
		}
	}
	return lines
}
