"""The plan of each verb that needs one."""
