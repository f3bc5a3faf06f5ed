package main

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// words is a flag that can be given again, or with several values by commas
// where the values have none.
type words []string

func (w *words) String() string { return strings.Join(*w, " ") }

// Set adds one.
func (w *words) Set(s string) error {
	*w = append(*w, s)
	return nil
}

// halved is a round trip that is kept as what one way takes.
type halved struct{ to *time.Duration }

func (h halved) String() string {
	if h.to == nil {
		return ""
	}
	return (*h.to * 2).String()
}

// Set takes a round trip.
func (h halved) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil {
		return err
	}
	if d < 0 {
		return fmt.Errorf("%s is below 0", d)
	}
	*h.to = d / 2
	return nil
}

// rate is a number of bytes, such as 600kB.
type rate struct{ to *int64 }

func (r rate) String() string {
	if r.to == nil || *r.to == 0 {
		return ""
	}
	return humanize.Bytes(uint64(*r.to)) //nolint:gosec // never below 0
}

// Set takes a number of bytes with or without a unit.
func (r rate) Set(s string) error {
	n, err := humanize.ParseBytes(s)
	if err != nil {
		return err
	}
	const most = 1 << 50
	if n > most {
		return fmt.Errorf("%s a second is more than any link has", s)
	}
	*r.to = int64(n)
	return nil
}

// withoutPassword takes the password from a URL.
func withoutPassword(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.User == nil {
		return s
	}
	u.User = url.User(u.User.Username())
	return u.String()
}
