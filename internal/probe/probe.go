package probe

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// probe is one question to a target.
type probe struct {
	number int
	name   string
	topic  string
	claim  string // that the target does as PostgreSQL does
	assume string // what is gone by unless the claim is proved

	scratch bool // it makes something
	two     bool // it needs two connections at once
	heavy   bool // it sends megabytes, over a link that may be slow
	text    string
	ask     func(ctx context.Context, l *lab) answer // nil: nothing is asked, text is all that is said
}

func (p probe) connections() int64 {
	if p.two {
		return 2
	}
	return 1
}

// heavyFactor is how much more time a heavy probe has.
const heavyFactor = 4

func (p probe) timeout(usual time.Duration) time.Duration {
	if p.heavy {
		return heavyFactor * usual
	}
	return usual
}

func (p probe) fact() Fact {
	return Fact{Number: p.number, Name: p.name, Topic: p.topic, Claim: p.claim, Assumed: p.assume}
}

// Selection is which probes are made.
type Selection struct {
	only, skip []int
}

// Select reads the probes' numbers or names, as the user writes them: alone or
// several with commas. No only is all.
func Select(only, skip []string) (Selection, error) {
	var s Selection
	var err error
	if s.only, err = numbers(only); err != nil {
		return s, err
	}
	s.skip, err = numbers(skip)
	return s, err
}

func (s Selection) has(p probe) bool {
	return (len(s.only) == 0 || slices.Contains(s.only, p.number)) && !slices.Contains(s.skip, p.number)
}

// All says whether nothing was left out.
func (s Selection) All() bool { return len(s.only) == 0 && len(s.skip) == 0 }

func numbers(words []string) ([]int, error) {
	var out []int
	for _, list := range words {
		for word := range strings.SplitSeq(list, ",") {
			word = strings.TrimSpace(word)
			i := slices.IndexFunc(probes, func(p probe) bool { return p.name == word || strconv.Itoa(p.number) == word })
			if i < 0 {
				return nil, fmt.Errorf("no probe %q: give a number from 1 to %d or one of %s", word, len(probes), strings.Join(Names(), ", "))
			}
			out = append(out, probes[i].number)
		}
	}
	return out, nil
}

// Names are the probes' names, by number.
func Names() []string {
	out := make([]string, len(probes))
	for i, p := range probes {
		out[i] = p.name
	}
	return out
}
