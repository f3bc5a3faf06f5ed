package db9sim

// TLSMode says how an SSLRequest is answered.
type TLSMode int

// The modes.
const (
	TLSOff      TLSMode = iota // 'N': not offered, plaintext goes on
	TLSOn                      // 'S' with a self-made certificate; plaintext is accepted too
	TLSRequired                // as TLSOn, plaintext is refused
	TLSRefused                 // the connection is closed at an SSLRequest
)
