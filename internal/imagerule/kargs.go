package imagerule

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// maxKargs is the size of the largest file of kernel arguments that is judged.
const maxKargs = 1 << 20

// architectures are the names that bootc compares match-architectures with: those of the
// compiler of Rust (https://doc.rust-lang.org/std/env/consts/constant.ARCH.html).
var architectures = []string{"x86_64", "aarch64", "s390x", "powerpc64", "riscv64", "loongarch64", "arm", "x86"}

// CheckFile returns the problem with a file at the absolute path dest in a bootable image,
// or nil if the file is fine. read reads its content, which is judged only if it can be read
// and is not a section's.
func CheckFile(dest string, read func() ([]byte, error)) *Problem {
	if p := CheckPath(dest); p != nil {
		return p
	}
	if !IsKargs(dest) || dest == KargsFile {
		return nil
	}
	data, err := read()
	if err != nil {
		return nil
	}
	return CheckContent(dest, data)
}

// CheckContent returns the problem with the content of a file at the absolute path dest in
// a bootable image, or nil if the content is fine. Only bootc's files of kernel arguments
// have rules.
func CheckContent(dest string, data []byte) *Problem {
	if !IsKargs(dest) {
		return nil
	}
	what, refused := kargsProblem(string(data))
	if what == "" {
		return nil
	}
	p := Problem{Rule: "bootc/kargs", What: "bootc skips this file: " + what, Advice: "the architectures are " + strings.Join(architectures, ", ")}
	if refused {
		p.What, p.Advice, p.Fatal = "bootc refuses this file: "+what, `write kargs = ["quiet"], and perhaps match-architectures = ["x86_64"], and nothing else`, true
	}
	return &p
}

// kargsProblem returns what is wrong with the text of a file of kernel arguments, and
// whether bootc refuses it. The text is TOML with the list kargs and perhaps the list
// match-architectures (https://bootc-dev.github.io/bootc/building/kernel-arguments.html).
func kargsProblem(text string) (what string, refused bool) {
	var all map[string]any
	if err := toml.Unmarshal([]byte(text), &all); err != nil {
		what = strings.TrimPrefix(err.Error(), "toml: ")
		if at, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, _ := at.Position()
			what = fmt.Sprintf("line %d: %s", line, what)
		}
		return what, true
	}
	if _, ok := all["kargs"]; !ok {
		what = "kargs is missing"
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		switch {
		case key != "kargs" && key != "match-architectures":
			return key + " is not a key that it knows", true
		case !isListOfStrings(all[key]):
			what = key + " is not a list of strings"
		}
	}
	if what != "" {
		return what, true
	}
	list, ok := all["match-architectures"].([]any)
	if ok && !slices.ContainsFunc(list, func(v any) bool { return slices.Contains(architectures, v.(string)) }) {
		return "match-architectures has no architecture", false
	}
	return "", false
}

func isListOfStrings(v any) bool {
	list, ok := v.([]any)
	return ok && !slices.ContainsFunc(list, func(item any) bool { _, ok := item.(string); return !ok })
}
