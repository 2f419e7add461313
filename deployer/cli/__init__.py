"""The same commands as a click group (`deployer …`) and as Invoke tasks (`invoke …`)."""
