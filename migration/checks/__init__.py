"""What is checked: gates, the verification after the switch, the acceptance test."""
