"""What turns handlers into Functions Framework targets."""
