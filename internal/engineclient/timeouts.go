package engineclient

import (
	"cmp"
	"fmt"
	"time"
)

// AnswerTimeout is how long an engine that is not bkt's own may take to answer: it
// may be far away.
const AnswerTimeout = 10 * time.Second

// timeouts are limits of time; 0 is the default.
type timeouts struct {
	start  time.Duration // for the own engine to start, to answer, or to end
	answer time.Duration // for any other engine to answer
	notice time.Duration // after which a wait is logged
}

func (t timeouts) startTimeout() time.Duration  { return cmp.Or(t.start, 15*time.Second) }
func (t timeouts) answerTimeout() time.Duration { return cmp.Or(t.answer, AnswerTimeout) }
func (t timeouts) noticeDelay() time.Duration   { return cmp.Or(t.notice, time.Second) }

// timeoutError is the error of an engine that did not answer within a time.
type timeoutError time.Duration

func (n timeoutError) Error() string { return fmt.Sprintf("no answer in %v", time.Duration(n)) }

// notifyIfSlow calls notify after a delay, unless done is called before. When done
// returns, notify has returned or will not be called.
func notifyIfSlow(delay time.Duration, notify func()) (done func()) {
	notified := make(chan struct{})
	timer := time.AfterFunc(delay, func() { defer close(notified); notify() })
	return func() {
		if !timer.Stop() {
			<-notified
		}
	}
}
