log-title = Log
log-intro = Every event is kept for ever and numbered without gaps. The head is signed by this hub and countersigned by its peers, so that nobody can rewrite what happened.
log-checkpoint = Checkpoint
log-none = Nothing is signed yet.
log-tiles = The hashes of the tree are public, in tiles. The entries are not: they may hold business data. A trade file holds the proofs of its own events.
log-witnesses = Countersigned by
