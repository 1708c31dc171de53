package autocapture

import (
	"context"
	"errors"
	"html"
	"regexp"
	"strings"
	"time"

	"bkt/internal/gvariant"
	"bkt/internal/hint"
	"bkt/internal/plan"
)

// notifyTimeout limits how long the desktop may take to show a notification.
const notifyTimeout = 5 * time.Second

// notify shows a failed run on the desktop, unless the desktop showed the same error
// last. It returns the fingerprint of what the desktop showed last.
func notify(ctx context.Context, lastNotified string, err error) string {
	now := fingerprint(err)
	if now == lastNotified || err == nil {
		return now
	}
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	if execute(ctx, notification(err)) != nil {
		return lastNotified // there may be a desktop at the next run; "bkt status" shows the error, too
	}
	return now
}

// unreadError returns the lines about what could not be read as an error to notify of.
func unreadError(lines []string) error {
	var errs []error
	for _, line := range lines {
		errs = append(errs, errors.New("not read: "+line))
	}
	return errors.Join(errs...)
}

// notification is the command that has the desktop show an error.
func notification(err error) plan.Run {
	body := html.EscapeString(hint.Split(err)[0].Error()) + "\n" + "Run “bkt auto-capture status” for details."
	return plan.Run{Argv: []string{
		"gdbus", "call", "--session", "--timeout", "4", "--dest", "org.freedesktop.Notifications",
		"--object-path", "/org/freedesktop/Notifications", "--method", "org.freedesktop.Notifications.Notify",
		gvariant.NewString("bkt").String(), "uint32 0", gvariant.NewString("dialog-warning").String(),
		gvariant.NewString("Changes were not captured").String(), gvariant.NewString(body).String(),
		"@as []", "@a{sv} {}", "int32 -1",
	}}
}

// fingerprint identifies an error. Errors that differ only in numbers, such as
// how long a hook took, have the same one; no error has "".
func fingerprint(err error) string {
	var lines []string
	for _, e := range hint.Split(err) {
		line, _, _ := strings.Cut(e.Error(), "\n")
		lines = append(lines, regexp.MustCompile(`[0-9]+`).ReplaceAllString(line, ""))
	}
	if len(lines) == 0 {
		return ""
	}
	return hash([]byte(strings.Join(lines, "\n")))
}
