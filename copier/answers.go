package copier

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pg2db9/pg2db9/internal/event"
)

// expected is what a healthy server answers to one message. An answer without
// an error that says something else is a failure too: some servers roll a
// transaction back in silence, and a failed one answers COMMIT with ROLLBACK.
type expected struct {
	of     *batch
	doing  string
	asked  time.Time // when the last of it was sent
	tags   []string  // the first word of each statement's command tag
	status byte      // transaction status afterwards

	// judge is given the row counts of the tags (0 where a tag has none), or the
	// server's error, and then only as many zeros as statements were done before
	// it. nil takes the error as it is.
	judge func(counts []int64, err error) error
}

// ask sends a statement and remembers what it must be answered with. Its answer
// is taken by await or poll, after those of all that was sent before.
func (t *targetConn) ask(sql string, e expected) error {
	e.asked = time.Now()
	t.unanswered = append(t.unanswered, e)
	// Behind rows that the network has not taken yet even a statement has to wait.
	t.meter.Wait(event.WaitTarget)
	defer t.meter.Wait(event.WaitNothing)
	return t.wire.send(&pgproto3.Query{String: sql})
}

// sent notes that the last message that is unanswered has its end only now.
func (t *targetConn) sent() {
	if n := len(t.unanswered); n > 0 {
		t.unanswered[n-1].asked = time.Now()
	}
}

// await takes answers until at most n are outstanding. The first that is not as
// expected is the error; nothing can be said of those after it.
func (t *targetConn) await(ctx context.Context, n int) error {
	for len(t.unanswered) > n {
		asked := t.unanswered[0].asked
		t.meter.WaitAnswer(event.WaitTarget, asked, t.wire.trip)
		r, err := t.answer(ctx)
		t.meter.Wait(event.WaitNothing)
		t.wire.answered(asked)
		if err != nil {
			t.blame = t.unanswered[0].of
			return fmt.Errorf("waiting for the target's answer to %s: %w", t.unanswered[0].doing, err)
		}
		if err := t.take(r); err != nil {
			return err
		}
	}
	return nil
}

// poll takes the answers that are here already.
func (t *targetConn) poll() error {
	for len(t.unanswered) > 0 {
		select {
		case r := <-t.replies:
			if err := t.take(r); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

// take holds an answer against what was expected of the oldest message.
func (t *targetConn) take(r reply) error {
	e := t.unanswered[0]
	t.unanswered = t.unanswered[1:]
	counts, err := e.counts(r)
	if e.judge != nil {
		err = e.judge(counts, err)
	}
	if err != nil {
		t.blame = e.of
	}
	return err
}

// drain takes, after a failure, what is still answered of the parts before the
// present one, whose own batch may be half sent. They were sent whole and share
// nothing with the failure but the connection: each one's tags prove it
// committed, or its rows miscounted, which the ledger could not tell. failed
// holds the parts with an error, of which nothing more is believed.
func (t *targetConn) drain(ctx context.Context, present int64, failed map[int64]error) {
	for len(t.unanswered) > 0 && t.unanswered[0].of.part.ID != present {
		part := t.unanswered[0].of.part.ID
		r, err := t.answer(ctx)
		if err != nil || r.lost {
			return
		}
		if failed[part] != nil {
			t.unanswered = t.unanswered[1:]
			continue
		}
		if err := t.take(r); err != nil {
			failed[part] = err
		}
	}
}

// counts reads the row counts of an answer that is as expected.
func (e *expected) counts(r reply) ([]int64, error) {
	if r.err != nil {
		return make([]int64, len(r.tags)), fmt.Errorf("waiting for the target's answer to %s: %w", e.doing, r.failure())
	}
	if e.of != nil && e.of.faults != nil && e.of.faults.trustTags {
		return e.of.believed(e), nil
	}
	wrong := &answerError{Doing: e.doing, Tags: r.tags, Status: r.status, WantTags: e.tags, WantStatus: e.status}
	if len(r.tags) != len(e.tags) || r.status != e.status {
		return nil, wrong
	}
	counts := make([]int64, len(e.tags))
	for i, tag := range r.tags {
		word, count, _ := strings.Cut(tag, " ")
		if word == "INSERT" {
			_, count, _ = strings.Cut(count, " ") // INSERT oid rows
		}
		if word != e.tags[i] {
			return nil, wrong
		}
		if count == "" {
			continue
		}
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil {
			return nil, wrong
		}
		counts[i] = n
	}
	return counts, nil
}

// answerError is an answer without an error that still is not the one that
// proves the work done.
type answerError struct {
	Doing      string
	Tags       []string
	Status     byte
	WantTags   []string
	WantStatus byte
}

// Error implements error.
func (e *answerError) Error() string {
	return fmt.Sprintf("the target answered %s with %q (transaction status %q), not with %q (%q): the batch is not committed",
		e.Doing, strings.Join(e.Tags, "; "), e.Status, strings.Join(e.WantTags, "; "), e.WantStatus)
}

// errLostOwnership is a batch that was refused because somebody else owns the
// part now.
var errLostOwnership = errors.New("the part was taken over by another writer (its epoch in _pg2db9.part was raised)")
