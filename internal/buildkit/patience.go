package buildkit

import (
	"cmp"
	"fmt"
	"time"
)

// patience is how long engines are waited for; what is 0 is as usual.
type patience struct {
	start  time.Duration // the own engine may take to be up, to answer, or to end
	answer time.Duration // any other may take to answer: it may be far away
	notice time.Duration // until it is said what is waited for
}

func (p patience) toStart() time.Duration  { return cmp.Or(p.start, 15*time.Second) }
func (p patience) toAnswer() time.Duration { return cmp.Or(p.answer, 10*time.Second) }
func (p patience) toNotice() time.Duration { return cmp.Or(p.notice, time.Second) }

// noAnswer is the error of an engine that has said nothing for so long.
type noAnswer time.Duration

func (n noAnswer) Error() string { return fmt.Sprintf("no answer in %v", time.Duration(n)) }

// unlessSoon calls what after a time, unless done is called before. It is not called
// any more once done has returned.
func unlessSoon(after time.Duration, what func()) (done func()) {
	said := make(chan struct{})
	timer := time.AfterFunc(after, func() { defer close(said); what() })
	return func() {
		if !timer.Stop() {
			<-said
		}
	}
}
