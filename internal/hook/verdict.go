package hook

// A Verdict says which half of the axiom a hook breaks.
type Verdict string

const (
	NotIdempotent Verdict = "not idempotent"           // a second run fails, or leaves something else than the first
	NotEquivalent Verdict = "not bootstrap-equivalent" // a box that has run it differs from one that is made today
	NotShell      Verdict = "not a shell command"      // it cannot be parsed
)
