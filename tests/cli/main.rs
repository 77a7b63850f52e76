//! The program as a person uses it.
