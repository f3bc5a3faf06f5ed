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

// maxTries is how often something is tried in a row without any progress.
const maxTries = 6

// newBackOff waits 0.2 s, 0.4 s, 0.8 s, ... with jitter, at most 10 s.
func newBackOff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = 200 * time.Millisecond
	b.Multiplier = 2
	b.MaxInterval = 10 * time.Second
	return b
}

// retry repeats f while its error is one that passes (a lost connection, a
// conflict, a shortage), at most maxTries times.
func retry(ctx context.Context, what string, f func() error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := f()
		if err == nil {
			return struct{}{}, nil
		}
		if c := dial.Classify(err); ctx.Err() != nil || c != dial.Lost && c != dial.Retry {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(newBackOff()), backoff.WithMaxTries(maxTries), backoff.WithMaxElapsedTime(0))
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
