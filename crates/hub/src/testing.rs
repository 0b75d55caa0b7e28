//! Fresh stores for tests, on both engines.
