"""What members and mounts of every shared storage have in common: settings, status, the mount."""
