//! Where a credential comes from.

pub mod pulumi;
