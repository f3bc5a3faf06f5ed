// Package link is a wide-area link on one machine: connections whose bytes
// arrive late, at a bounded rate and in bounded number, that take their time to
// be set up, and that are dropped when they idle or when a test says so.
//
// It knows nothing of what the bytes mean. Listen gives a listener for a
// server that wants to be far away; Forward puts the link before a server that
// runs already, whatever it speaks.
//
// A delay is that of propagation: what is sent at a moment arrives one delay
// later, whatever else is on its way. A rate is that of a serial line: it says
// when the last byte of a piece has left. What a connection holds is bounded by
// rate × delay and a queue, so that a writer feels the far end.
package link
