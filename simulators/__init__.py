"""Stand-ins for the vendors' servers, as strict as their contracts say."""
