//! The filters of the catalogue against outside references.

mod effects;
