package copier

import (
	"context"
	"time"
)

// every calls f at each tick, until f says that it is enough. It outlives ctx,
// whose values it keeps: end ends it, and a call under way by its context, and
// waits for that. end may be called once more.
func every(ctx context.Context, period time.Duration, f func(context.Context) (enough bool)) (end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(period)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if f(ctx) {
					return
				}
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}
