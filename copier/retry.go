package copier

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/pg2db9/pg2db9/internal/dial"
)

const (
	// maxTries is how often a conflict is tried in a row without any progress.
	maxTries = 10
	// defaultPatience is how long a lost connection is tried again without any
	// progress: the crash recovery of a loaded server, or a failover, takes minutes.
	defaultPatience = 5 * time.Minute
)

// exhausted says that trying again has gone on for long enough: by count where
// transactions are in each other's way, by time where a server is away.
func exhausted(err error, attempt int, trouble, patience time.Duration) bool {
	if dial.Conflict(err) {
		return attempt >= maxTries
	}
	return trouble >= patience
}

// newBackOff waits 0.2 s, 0.4 s, 0.8 s, ... with jitter, at most 10 s.
func newBackOff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = 200 * time.Millisecond
	b.Multiplier = 2
	b.MaxInterval = 10 * time.Second
	return b
}

// retry repeats f while its error is one that passes (a lost connection, a
// conflict, a shortage), for at most patience.
func retry(ctx context.Context, what string, patience time.Duration, f func() error) error {
	started, attempt := time.Now(), 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := f()
		if err == nil {
			return struct{}{}, nil
		}
		attempt++
		c := dial.Classify(err)
		if ctx.Err() != nil || c != dial.Lost && c != dial.Retry || exhausted(err, attempt, time.Since(started), patience) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(newBackOff()), backoff.WithMaxElapsedTime(0))
	if ctx.Err() != nil && err != nil {
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
	return err
}

// NewRunID returns an identifier of a run: sortable by time, unique.
func NewRunID() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return time.Now().UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(b[:])
}
