"""Joint search over instructions, demonstrations and settings, by any number of processes."""
