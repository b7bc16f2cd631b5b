//! How Hostwright behaves, seen from outside: objects in, servers on a panel out.

mod lifecycle;
